# Models of the protocol in Promela, searched with spin.

# The sizes that take seconds, and the mutants that must be refuted.
check-models:
	@tests/models/run.sh short

models: ## search the models at the sizes that take minutes
	@tests/models/run.sh long

CHECKS += check-models
.PHONY: check-models models
