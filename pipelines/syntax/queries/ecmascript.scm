; What JavaScript and TypeScript share.
(function_declaration name: (identifier) @name body: (_) @body) @definition.function
(generator_function_declaration name: (identifier) @name body: (_) @body) @definition.function
(method_definition name: (_) @name body: (_) @body) @definition.method
(class_declaration name: (_) @name body: (_) @body) @definition.class

(variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (function_expression body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (generator_function body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @definition.class
(assignment_expression
  left: (member_expression property: (_) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @definition.function

(variable_declarator name: (identifier) @scope.name value: (object)) @scope

; Jest, Vitest, Mocha, Jasmine, node:test, Deno, Playwright.
((call_expression
  function: (_) @_runner
  arguments: (arguments
    . [(string (string_fragment)) (template_string)] @title
    [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @definition.test
  (#match? @_runner "^(test|it|specify|xtest|[fx]it|Deno\\.test)(\\.(only|skip|todo|fails?|failing|concurrent|sequential|each|for|skipIf|runIf)|[(`]|$)"))
((call_expression
  function: (_) @_runner
  arguments: (arguments
    . [(string (string_fragment)) (template_string) (identifier)] @scope.title
    [(arrow_function) (function_expression)])) @scope
  (#match? @_runner "^(test\\.)?(describe|suite|context|[fx]describe)(\\.|[(`]|$)"))
(expression_statement
  . (call_expression arguments: (arguments . [(string) (template_string)])) @wrapped .) @wrapper

(export_statement declaration: (_) @wrapped) @wrapper
(export_statement value: (_) @wrapped) @wrapper
(lexical_declaration . (variable_declarator) @wrapped .) @wrapper
(variable_declaration . (variable_declarator) @wrapped .) @wrapper
(expression_statement . (assignment_expression) @wrapped .) @wrapper

(decorator) @leading
(comment) @comment
