// Package proc runs the processes of test servers: as an unprivileged user
// where the program is root, ended together with the program, and never by
// anything but the process ids that it started itself.
package proc
