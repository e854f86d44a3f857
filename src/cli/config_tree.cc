// SPDX-License-Identifier: BSD-3-Clause
#include "cli/config_tree.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>
#include <utility>
#include <vector>

namespace sluice::cli {
namespace {

// Nodes made by --set N carry this as the path of their source; a file cannot be
// mistaken for one because its nodes carry no path at all.
constexpr std::string_view kSetPath = "--set ";

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t dot = path.find('.');
    parts.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    path.remove_prefix(dot + 1);
  }
}

// A TOML basic string that holds exactly `text`.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

// The node that `value` means: a TOML value if it is one, else a bare string, so that
// nobody has to quote twice for the shell. Empty if it is not UTF-8.
std::optional<toml::table> parse_value(std::string_view value, const std::string& path) {
  for (const std::string& text : {"v = " + std::string(value), "v = " + quoted(value)}) {
    try {
      toml::table parsed = toml::parse(text, std::string_view(path));
      // A line break in the value could smuggle in a second key; such a value is a string.
      if (parsed.size() == 1) return parsed;
    } catch (const toml::parse_error&) {
      continue;
    }
  }
  return std::nullopt;
}

// The element of an array of tables whose `name` is `name`.
toml::table* element_by_name(toml::array& elements, std::string_view name) {
  for (toml::node& element : elements) {
    toml::table* table = element.as_table();
    if (table != nullptr && (*table)["name"].value_or(std::string_view()) == name) return table;
  }
  return nullptr;
}

std::string names_of(const toml::array& elements) {
  std::vector<std::string> names;
  for (const toml::node& element : elements) {
    const toml::table* table = element.as_table();
    if (table == nullptr) continue;
    if (const auto name = (*table)["name"].value<std::string>()) names.push_back(printable(*name));
  }
  return names.empty() ? "none has a name" : fmt::format("the names are: {}", fmt::join(names, ", "));
}

}  // namespace

SetOption split_set(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), std::nullopt};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::optional<toml::table> parse_tree(std::string_view text, Report& report) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    report.add({0, at.line, at.column}, "TOML", fmt::format("not readable ({})", printable(error.description(), 200)),
               "correct the syntax here or just before");
    return std::nullopt;
  }
}

void apply_set(toml::table& tree, const SetOption& option, unsigned number, Report& report) {
  const Place place{number, 0, 0};
  const std::string path = fmt::format("{}{}", kSetPath, number);
  const std::string shown_path = option.path.empty() ? "\"\"" : printable(option.path);
  const std::vector<std::string> parts = split_path(option.path);
  bool empty_part = false;
  for (const std::string& part : parts) empty_part = empty_part || part.empty();
  if (!option.value || parts.size() < 2 || empty_part) {
    report.add(place, shown_path, "not an override", "write --set section.key=value");
    return;
  }
  std::optional<toml::table> value = parse_value(*option.value, path);
  if (!value) {
    report.add(place, shown_path, "not UTF-8", "write the value in UTF-8");
    return;
  }

  toml::table* table = &tree;
  std::string walked;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    walked += (i == 0 ? "" : ".") + parts[i];
    if (!table->contains(parts[i])) {
      std::optional<toml::table> fresh = parse_value("{}", path);
      table->insert_or_assign(parts[i], std::move(*fresh->get("v")->as_table()));
    }
    toml::node& node = *table->get(parts[i]);
    if (toml::array* elements = node.as_array(); elements != nullptr && i == 0 && parts.size() > 2) {
      table = element_by_name(*elements, parts[1]);
      if (table == nullptr) {
        report.add(place, shown_path, fmt::format("no [[{}]] has this name ({})", walked, printable(parts[1])),
                   names_of(*elements));
        return;
      }
      walked += "." + parts[++i];
    } else if (node.is_array()) {
      report.add(place, shown_path, fmt::format("a list ({})", printable(walked)),
                 i == 0 ? fmt::format("write --set {}.NAME.key=value", printable(walked))
                        : fmt::format("write the whole list, --set {}=A,B", printable(walked)));
      return;
    } else if (!node.is_table()) {
      report.add(place, shown_path, fmt::format("not a table ({} is {})", printable(walked), shown(node)),
                 fmt::format("write --set {}=value", printable(walked)));
      return;
    } else {
      table = node.as_table();
    }
  }
  toml::node& made = *value->get("v");
  made.visit([&](auto& concrete) { table->insert_or_assign(parts.back(), std::move(concrete)); });
}

Place place_of(const toml::node& node) {
  const toml::source_region& source = node.source();
  if (source.path && source.path->starts_with(kSetPath)) {
    unsigned set = 0;
    std::from_chars(source.path->data() + kSetPath.size(), source.path->data() + source.path->size(), set);
    return {set, 0, 0};
  }
  return {0, source.begin.line, source.begin.column};
}

std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) return "the string " + printable(text->get());
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  std::ostringstream out;
  node.visit([&out](auto&& concrete) { out << concrete; });
  return out.str();
}

}  // namespace sluice::cli
