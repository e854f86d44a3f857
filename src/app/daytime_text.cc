// SPDX-License-Identifier: BSD-3-Clause
#include "app/daytime_text.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace sluice::app {

std::string daytime_line(std::int64_t unix_s) {
  static constexpr std::array<const char*, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
  static constexpr std::array<const char*, 12> kMonths = {"January", "February", "March",     "April",   "May",      "June",
                                                          "July",    "August",   "September", "October", "November", "December"};
  namespace chrono = std::chrono;
  const chrono::sys_seconds time{chrono::seconds{unix_s}};
  const chrono::sys_days day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{time - day};
  std::array<char, 96> line{};
  const int length = std::snprintf(line.data(), line.size(), "%s, %s %u, %d %02d:%02d:%02d-UTC\r\n",
                                   kDays[chrono::weekday{day}.c_encoding()], kMonths[static_cast<unsigned>(date.month()) - 1],
                                   static_cast<unsigned>(date.day()), static_cast<int>(date.year()),
                                   static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()));
  return {line.data(), static_cast<std::size_t>(length)};
}

}  // namespace sluice::app
