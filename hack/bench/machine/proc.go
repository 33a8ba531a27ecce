// Package machine tells what a Linux machine and the processes on it used, from
// /proc, and waits until nothing else runs.
package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of processor time in /proc, which is 1/100 s on every Linux
// whatever its kernel counts in (USER_HZ).
const tick = 10 * time.Millisecond

// parseStat returns how long all processors together were busy, and how long
// idle, from the text of /proc/stat. Waiting for a disk is idle, and what a
// hypervisor gave to others is neither.
func parseStat(text string) (busy, idle time.Duration, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, 0, fmt.Errorf("/proc/stat begins with %q: it must begin with \"cpu\" and seven numbers", line)
	}
	var n [7]time.Duration // user, nice, system, idle, iowait, irq, softirq
	for i := range n {
		v, err := strconv.ParseInt(fields[i+1], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/stat: %w", err)
		}
		n[i] = time.Duration(v) * tick
	}
	return n[0] + n[1] + n[2] + n[5] + n[6], n[3] + n[4], nil
}

// parsePidStat returns the processor time of a process from the text of
// /proc/PID/stat. The program's name, in brackets, may hold anything.
func parsePidStat(text string) (time.Duration, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat is %q: too short", text)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/PID/stat: %w", err)
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, err
}

// parseStatus returns a size from the text of /proc/PID/status, in bytes.
func parseStatus(text []byte, field string) (int64, error) {
	_, rest, ok := bytes.Cut(text, []byte("\n"+field+":"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	kilobytes, isKB := strings.CutSuffix(strings.TrimSpace(string(line)), " kB")
	if !ok || !isKB {
		return 0, fmt.Errorf("/proc/PID/status tells no %s in kB", field)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(kilobytes), 10, 64)
	return n << 10, err
}

// Time reads how long the processors of this machine were busy and idle.
func Time() (busy, idle time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("the benchmark reads processor times from /proc, as Linux has it: %w", err)
	}
	return parseStat(string(text))
}

// ProcessTime is the processor time that a process has used so far.
func ProcessTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parsePidStat(string(text))
}

// ProcessPeak is the most memory that a process ever had (VmHWM), in bytes.
func ProcessPeak(pid int) (int64, error) { return processStatus(pid, "VmHWM") }

// ProcessMemory is the memory that a process has now (VmRSS), in bytes.
func ProcessMemory(pid int) (int64, error) { return processStatus(pid, "VmRSS") }

func processStatus(pid int, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseStatus(text, field)
}

// ProcessFiles names what a process has open: files by their paths, connections and
// the like by their kinds.
func ProcessFiles(pid int) ([]string, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	open, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, handle := range open {
		name, err := os.Readlink(filepath.Join(dir, handle.Name()))
		if errors.Is(err, os.ErrNotExist) { // closed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// OwnTime is the processor time of this process.
func OwnTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// ProcessorName is what the machine calls its processor, or "".
func ProcessorName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	_, name, _ := strings.Cut(line, ":")
	return strings.TrimSpace(name)
}
