// The Go vulnerability database, as the module that its maintainers keep it in. It is in a module of its own so that what the database's own
// programs need decides about no version of the tools.
module github.com/satchel-files/satchel/tools/vulndb

go 1.26.0

require golang.org/x/vulndb v0.0.0-20261105234957-e22db6528018 // indirect
