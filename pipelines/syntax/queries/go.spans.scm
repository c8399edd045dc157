(block) @span
(statement_list (_) @span)
(source_file (_) @span)
(argument_list) @span
(short_var_declaration right: (_) @span)
(assignment_statement right: (_) @span)
(var_spec value: (_) @span)
(return_statement (_) @span)
(literal_value) @span
