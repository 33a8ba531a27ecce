// Package console serves the line console: people connect with nc, bring a
// balance, and take part in the draw as guests for as long as they stay.
package console
