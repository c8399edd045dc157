; What C++ adds to c.scm; read before it, for a function whose body is a try statement.
; GoogleTest's are not functions of that name.
((function_definition
  !type
  declarator: (function_declarator
    declarator: (identifier) @_runner
    parameters: (parameter_list . (parameter_declaration !declarator) @receiver . (parameter_declaration !declarator) @title .))
  body: (_) @body) @definition.test
  (#any-of? @_runner "TEST" "TEST_F" "TEST_P" "TYPED_TEST" "TYPED_TEST_P"))
(function_definition declarator: (_) @declarator (try_statement) @body) @definition.function
(field_declaration_list (field_declaration declarator: (_) @declarator) @definition.method)
(field_declaration_list (declaration declarator: (_) @declarator) @definition.method)
(template_declaration (declaration declarator: (_) @declarator) @definition.function)

(class_specifier name: (_) @name body: (_) @body) @definition.class

(namespace_definition name: (_) @scope.path) @scope

(template_declaration (_) @wrapped) @wrapper
(friend_declaration (_) @wrapped) @wrapper
