(function_definition name: (name) @name body: (_) @body) @definition.function
(method_declaration name: (name) @name body: (_)? @body) @definition.method
(class_declaration name: (name) @name body: (_) @body) @definition.class
(interface_declaration name: (name) @name body: (_) @body) @definition.class
(trait_declaration name: (name) @name body: (_) @body) @definition.class
(enum_declaration name: (name) @name body: (_) @body) @definition.class

(namespace_definition name: (_) @scope.path body: (_)) @scope
(namespace_definition name: (_) @scope.path !body) @scope.rest

; Pest.
((function_call_expression
  function: (name) @_runner
  arguments: (arguments
    . (argument [(string (string_content)) (encapsed_string (string_content))] @title)
    . (argument [(anonymous_function body: (_) @body) (arrow_function body: (_) @body)]))) @definition.test
  (#any-of? @_runner "it" "test"))
((function_call_expression
  function: (name) @_runner
  arguments: (arguments
    . (argument [(string (string_content)) (encapsed_string (string_content))] @scope.title)
    . (argument [(anonymous_function) (arrow_function)]))) @scope
  (#eq? @_runner "describe"))
(expression_statement . (function_call_expression) @wrapped .) @wrapper

(comment) @comment
