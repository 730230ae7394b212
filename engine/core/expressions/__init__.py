"""CEL over JSON values: the stored AST and its evaluator."""
