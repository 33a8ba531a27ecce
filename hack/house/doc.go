// Package house holds tests of rules of the house that no linter knows.
package house
