(function_definition name: (identifier) @name ":" @header body: (block) @body) @definition.function
(class_definition name: (identifier) @name ":" @header body: (block) @body) @definition.class

(function_definition body: (block . (expression_statement . [(string) (concatenated_string) (parenthesized_expression)] .) @doc)) @documented
(class_definition body: (block . (expression_statement . [(string) (concatenated_string) (parenthesized_expression)] .) @doc)) @documented

(decorated_definition definition: (_) @wrapped) @wrapper
