// SPDX-License-Identifier: BSD-3-Clause
// What DPDK and its drivers log, kept instead of printed, so that a failure becomes
// one clear message with the driver's own reason in it. Control path; any thread.
#pragma once

#include <string>
#include <string_view>

namespace sluice::port {

// From now on DPDK's log lines are kept here; with `echo` they also go to stderr.
void capture_dpdk_log(bool echo);
// Forgets what was kept, so that the next reason belongs to what comes now.
void clear_dpdk_log();
// The kept lines joined by "; ", without their "EAL: " prefixes; at most the first few.
[[nodiscard]] std::string dpdk_log_reason();
// The first kept line with `words` in it; "" if there is none.
[[nodiscard]] std::string dpdk_log_line(std::string_view words);
[[nodiscard]] bool dpdk_log_mentions(std::string_view words);

// DPDK prints some start-up failures straight to stdout and stderr: while this object
// lives both are collected, and kept as log lines at its end. Single-threaded start-up only.
class OutputCapture {
 public:
  OutputCapture();
  ~OutputCapture();
  OutputCapture(const OutputCapture&) = delete;
  OutputCapture& operator=(const OutputCapture&) = delete;

 private:
  int file_ = -1;
  int saved_stdout_ = -1;
  int saved_stderr_ = -1;
};

}  // namespace sluice::port
