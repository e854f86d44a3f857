// SPDX-License-Identifier: BSD-3-Clause
#include "port/lcores.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::port {

namespace {

bool read_cpu(std::string_view text, unsigned& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out < CPU_SETSIZE;
}

// "3" or "0-3"
bool add_range(std::string_view text, std::vector<unsigned>& out) {
  const std::size_t dash = text.find('-');
  unsigned first = 0;
  if (!read_cpu(text.substr(0, dash), first)) return false;
  unsigned last = first;
  if (dash != std::string_view::npos && (!read_cpu(text.substr(dash + 1), last) || last < first)) return false;
  for (unsigned cpu = first; cpu <= last; ++cpu) out.push_back(cpu);
  return true;
}

// The text up to the next comma outside of brackets, which is taken off `list`.
std::string_view next_item(std::string_view& list) noexcept {
  std::size_t end = 0;
  for (bool within = false; end < list.size() && (within || list[end] != ','); ++end) {
    if (list[end] == '(') within = true;
    if (list[end] == ')') within = false;
  }
  const std::string_view item = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return item;
}

// "3", "0-3" or "(0,2-3)"
bool add_set(std::string_view text, std::vector<unsigned>& out) {
  if (!text.starts_with('(')) return add_range(text, out);
  if (!text.ends_with(')')) return false;
  text = text.substr(1, text.size() - 2);
  for (;;) {
    const std::size_t comma = text.find(',');
    if (!add_range(text.substr(0, comma), out)) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<std::vector<std::vector<unsigned>>> cpus_of_lcores(std::string_view list) {
  if (list.empty() || list.ends_with(',')) return std::nullopt;
  std::vector<std::vector<unsigned>> all;
  while (!list.empty()) {
    const std::string_view item = next_item(list);
    const std::size_t at = item.find('@');
    std::vector<unsigned> lcores;
    std::vector<unsigned> cpus;
    if (!add_set(item.substr(0, at), lcores)) return std::nullopt;
    if (at != std::string_view::npos) {
      if (!add_set(item.substr(at + 1), cpus)) return std::nullopt;
      all.push_back(std::move(cpus));
    } else if (item.starts_with('(')) {
      all.push_back(std::move(lcores));
    } else {
      for (const unsigned cpu : lcores) all.push_back({cpu});
    }
  }
  return all;
}

std::optional<cpu_set_t> allowed_cpus() noexcept {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::nullopt;
  return allowed;
}

bool can_run_on(std::string_view list, const cpu_set_t& allowed) {
  const auto items = cpus_of_lcores(list);
  return items && std::all_of(items->begin(), items->end(), [&](const std::vector<unsigned>& cpus) {
           return std::any_of(cpus.begin(), cpus.end(), [&](unsigned cpu) { return CPU_ISSET(cpu, &allowed); });
         });
}

cpu_set_t cpus_beside(std::string_view list, const cpu_set_t& allowed) {
  cpu_set_t left = allowed;
  if (const auto items = cpus_of_lcores(list)) {
    for (const std::vector<unsigned>& cpus : *items) {
      for (const unsigned cpu : cpus) CPU_CLR(cpu, &left);
    }
  }
  return CPU_COUNT(&left) != 0 ? left : allowed;
}

std::string one_lcore_anywhere() {
  const auto allowed = allowed_cpus();
  if (!allowed || CPU_COUNT(&*allowed) == 0) return "0";
  std::string text = "0@(";
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &*allowed)) text += std::to_string(cpu) + ",";
  }
  text.back() = ')';
  return text;
}

}  // namespace sluice::port
