(statement_block) @span
(statement_block (_) @span)
(program (_) @span)
(class_body (_) @span)
(arguments) @span
(variable_declarator value: (_) @span)
(assignment_expression right: (_) @span)
(return_statement (_) @span)
(arrow_function body: (_) @span)
(class_body) @span
(switch_body) @span
