"""Why a build failed: logs, error rules, advice."""
