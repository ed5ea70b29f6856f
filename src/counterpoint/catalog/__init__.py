"""The catalog: descriptors in, entities shown.

scalars, composer, reader     YAML 1.2 with the place of every value
locations, placeholders       files, folders, patterns; what a descriptor points to
gathering                     all files read and checked
importer, ownership           written in one transaction; what refers to nothing
remarks                       what there is to say about the input
writing                       documents as YAML
shown                         what pages show of an entity
indexing                      the index at hand before somebody asks
api/                          the Backstage API, wire-compatible
commands, routes, pages       the doors
"""
