// SPDX-License-Identifier: BSD-3-Clause
#include "base/out_of_range.h"

#include <string>

namespace sluice {

namespace {
Error refuse(std::string_view name, std::string_view is, std::int64_t value, limits::Range range) {
  std::string message(name);
  message.append(is).append(std::to_string(range.min)).append(" to ").append(std::to_string(range.max));
  message.append(", not ").append(std::to_string(value));
  return Error{Errc::kInvalid, std::move(message)};
}
}  // namespace

Error out_of_range(std::string_view name, std::int64_t value, limits::Range range) { return refuse(name, " is ", value, range); }

Error out_of_range_or_zero(std::string_view name, std::int64_t value, limits::Range range) {
  return refuse(name, " is 0 or ", value, range);
}

}  // namespace sluice
