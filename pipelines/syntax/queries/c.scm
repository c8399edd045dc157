; What C and C++ share.
(function_definition declarator: (_) @declarator body: (_)? @body) @definition.function

(translation_unit (declaration declarator: (_) @declarator) @definition.function)
(declaration_list (declaration declarator: (_) @declarator) @definition.function)
(linkage_specification (declaration declarator: (_) @declarator) @definition.function)
(preproc_if (declaration declarator: (_) @declarator) @definition.function)
(preproc_ifdef (declaration declarator: (_) @declarator) @definition.function)
(preproc_elif (declaration declarator: (_) @declarator) @definition.function)
(preproc_else (declaration declarator: (_) @declarator) @definition.function)
(ERROR (declaration declarator: (_) @declarator) @definition.function)

(struct_specifier name: (_) @name body: (_) @body) @definition.class
(union_specifier name: (_) @name body: (_) @body) @definition.class
(enum_specifier name: (_) @name body: (_) @body) @definition.class

(type_definition
  type: [
    (struct_specifier !name body: (_) @body)
    (union_specifier !name body: (_) @body)
    (enum_specifier !name body: (_) @body)]
  declarator: [(type_identifier) @name (pointer_declarator declarator: (type_identifier) @name)]) @definition.class

(type_definition type: (_) @wrapped) @wrapper
(linkage_specification body: (function_definition) @wrapped) @wrapper
(linkage_specification body: (declaration) @wrapped) @wrapper

(comment) @comment
