// SPDX-License-Identifier: BSD-3-Clause
#include "app/options.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace sluice::app {
namespace {

std::string joined(std::span<const std::string_view> words) {
  std::string all;
  for (const std::string_view word : words) {
    if (!all.empty()) all += ", ";
    all += word;
  }
  return all;
}

std::string known_keys(const AppSpec& app) {
  std::string all;
  for (const OptionSpec& option : app.options) {
    if (!all.empty()) all += ", ";
    all += option.name;
  }
  return all;
}

const OptionSpec* find_option(const AppSpec& app, std::string_view name) {
  const auto found = std::ranges::find(app.options, name, &OptionSpec::name);
  return found == app.options.end() ? nullptr : &*found;
}

Result<void> check_value(const OptionSpec& option, const std::string& value, const ServiceConfig& config) {
  switch (option.kind) {
    case OptionKind::kNumber: {
      const auto number = parse_decimal(value, option.max);
      if (number && *number >= option.min) return {};
      return option_error(config, option.name, "not a number in its bounds (" + value + ")",
                          "write " + std::to_string(option.min) + " to " + std::to_string(option.max));
    }
    case OptionKind::kText:
      if (!value.empty() && value.size() <= option.max) return {};
      return option_error(config, option.name, value.empty() ? "empty" : "too long",
                          "write 1 to " + std::to_string(option.max) + " bytes");
    case OptionKind::kChoice:
      if (std::ranges::find(option.choices, value) != option.choices.end()) return {};
      return option_error(config, option.name, "not known (" + value + ")", "write one of " + joined(option.choices));
  }
  return {};
}

}  // namespace

Error option_error(const ServiceConfig& config, std::string_view key, std::string_view what, std::string_view remedy) {
  std::string message = "service." + config.name + ".";
  message.append(key).append(": ").append(what);
  if (!remedy.empty()) message.append("; ").append(remedy);
  return Error{Errc::kInvalid, std::move(message)};
}

Result<void> check_options(const AppSpec& app, const ServiceConfig& config) {
  for (const auto& [key, value] : config.options) {
    const OptionSpec* option = find_option(app, key);
    if (option == nullptr) {
      return option_error(config, key, "app " + config.app + " has no such option",
                          app.options.empty() ? "leave it out" : "it knows " + known_keys(app));
    }
    if (Result<void> checked = check_value(*option, value, config); !checked) return checked;
  }
  for (const OptionSpec& option : app.options) {
    const bool given = config.options.contains(option.name);
    if (option.required && !given) return option_error(config, option.name, "missing", "app " + config.app + " needs it");
    if (option.group == 0 || !given) continue;
    for (const OptionSpec& other : app.options) {
      if (&other == &option || other.group != option.group || !config.options.contains(other.name)) continue;
      return option_error(config, option.name, "excludes " + std::string(other.name), "keep one of the two");
    }
  }
  return {};
}

std::optional<std::string_view> text_option(const AppOptions& options, std::string_view name) {
  const auto found = options.find(name);
  if (found == options.end()) return std::nullopt;
  return found->second;
}

std::optional<std::uint64_t> number_option(const AppOptions& options, std::string_view name) {
  const auto text = text_option(options, name);
  if (!text) return std::nullopt;
  return parse_decimal(*text);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) noexcept {
  if (text.empty() || text.front() == '-' || text.front() == '+') return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > max) return std::nullopt;
  return number;
}

}  // namespace sluice::app
