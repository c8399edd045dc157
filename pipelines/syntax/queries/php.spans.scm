(compound_statement) @span
(compound_statement (_) @span)
(program (_) @span)
(declaration_list (_) @span)
(arguments) @span
(assignment_expression right: (_) @span)
(return_statement (_) @span)
(arrow_function body: (_) @span)
