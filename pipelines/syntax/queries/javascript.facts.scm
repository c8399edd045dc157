(method_definition (decorator) @decorator)
(field_definition (decorator) @decorator)
