; What C++ adds to c.scm; read before it, for a function whose body is a try statement.
(function_definition declarator: (_) @declarator (try_statement) @body) @definition.function
(field_declaration_list (field_declaration declarator: (_) @declarator) @definition.method)
(field_declaration_list (declaration declarator: (_) @declarator) @definition.method)
(template_declaration (declaration declarator: (_) @declarator) @definition.function)

(class_specifier name: (_) @name body: (_) @body) @definition.class

(namespace_definition name: (_) @scope.path) @scope

(template_declaration (_) @wrapped) @wrapper
(friend_declaration (_) @wrapped) @wrapper
