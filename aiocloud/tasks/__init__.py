"""What users want done, as module functions whose first argument is a Region; `Cloud` binds them as methods."""
