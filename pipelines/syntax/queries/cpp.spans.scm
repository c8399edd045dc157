(declaration_list (_) @span)
(lambda_expression) @span
