// Package phone reads telephone numbers as people write them, and tells what a number says of itself: whether it can be sent
// text messages, and where whoever has it may be.
//
// It is pure: the numbering plans are part of the program. They change more often than programs are updated, so a number that
// they do not have is taken as long as it has the length of one.
package phone
