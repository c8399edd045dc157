(block) @span
(block (_) @span)
(module (_) @span)
(argument_list) @span
(assignment right: (_) @span)
(augmented_assignment right: (_) @span)
(return_statement (_) @span)
