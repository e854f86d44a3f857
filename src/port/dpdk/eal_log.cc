// SPDX-License-Identifier: BSD-3-Clause
#include "port/dpdk/eal_log.h"

#include <rte_log.h>

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <mutex>
#include <vector>

namespace sluice::port {

namespace {

constexpr std::size_t kMaxLines = 64;
constexpr std::size_t kReasonLines = 3;

struct Log {
  std::mutex mutex;
  std::string partial;
  std::vector<std::string> lines;
  bool echo = false;
};

Log& log() {
  static Log instance;
  return instance;
}

void keep_line(Log& l, std::string line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '.')) line.pop_back();
  if (!line.empty() && l.lines.size() < kMaxLines) l.lines.push_back(std::move(line));
}

void keep(std::string_view text) {
  Log& l = log();
  const std::lock_guard lock(l.mutex);
  for (const char c : text) {
    if (c == '\n') {
      keep_line(l, std::move(l.partial));
      l.partial.clear();
    } else if (l.partial.size() < 512) {
      l.partial.push_back(c);
    }
  }
}

ssize_t write_cookie(void* /*cookie*/, const char* data, std::size_t size) {
  keep({data, size});
  if (log().echo) (void)!::write(STDERR_FILENO, data, size);
  return static_cast<ssize_t>(size);
}

}  // namespace

void capture_dpdk_log(bool echo) {
  log().echo = echo;
  static std::FILE* stream = [] {
    std::FILE* opened = fopencookie(nullptr, "w", {nullptr, write_cookie, nullptr, nullptr});
    if (opened != nullptr) std::setvbuf(opened, nullptr, _IONBF, 0);
    return opened;
  }();
  if (stream != nullptr) rte_openlog_stream(stream);
}

void clear_dpdk_log() {
  Log& l = log();
  const std::lock_guard lock(l.mutex);
  l.lines.clear();
  l.partial.clear();
}

std::string dpdk_log_reason() {
  Log& l = log();
  const std::lock_guard lock(l.mutex);
  std::string reason;
  std::size_t used = 0;
  std::string_view last;
  for (const std::string& line : l.lines) {
    std::string_view text = line;
    for (const std::string_view prefix : {"EAL: ", "FATAL: ", "ETHDEV: ", "MBUF: "}) {
      if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    }
    if (text == last) continue;
    last = text;
    if (used++ == kReasonLines) break;
    if (!reason.empty()) reason += "; ";
    reason += text;
  }
  return reason;
}

std::string dpdk_log_line(std::string_view words) {
  Log& l = log();
  const std::lock_guard lock(l.mutex);
  for (const std::string& line : l.lines) {
    if (line.find(words) != std::string::npos) return line;
  }
  return {};
}

bool dpdk_log_mentions(std::string_view words) { return !dpdk_log_line(words).empty(); }

OutputCapture::OutputCapture() {
  file_ = ::memfd_create("sluice-output", MFD_CLOEXEC);
  if (file_ < 0) return;
  std::fflush(stdout);
  std::fflush(stderr);
  saved_stdout_ = ::dup(STDOUT_FILENO);
  saved_stderr_ = ::dup(STDERR_FILENO);
  ::dup2(file_, STDOUT_FILENO);
  ::dup2(file_, STDERR_FILENO);
}

OutputCapture::~OutputCapture() {
  if (file_ < 0) return;
  std::fflush(stdout);
  std::fflush(stderr);
  if (saved_stdout_ >= 0) ::dup2(saved_stdout_, STDOUT_FILENO);
  if (saved_stderr_ >= 0) ::dup2(saved_stderr_, STDERR_FILENO);
  ::close(saved_stdout_);
  ::close(saved_stderr_);
  std::array<char, 4096> text{};
  const ssize_t n = ::pread(file_, text.data(), text.size(), 0);
  if (n > 0) keep({text.data(), static_cast<std::size_t>(n)});
  ::close(file_);
}

}  // namespace sluice::port
