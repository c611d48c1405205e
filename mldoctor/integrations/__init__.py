"""Where mldoctor meets other libraries; each module imports its library itself."""
