// SPDX-License-Identifier: BSD-3-Clause
#include "app/http_path.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace sluice::app {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 3.1: in whichever case.
bool starts_with_scheme(std::string_view target, std::string_view lower_case) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(target.substr(0, lower_case.size()), lower_case, {}, lower);
}

// "/a" of "/a?b" and of "http://host/a"; empty: neither origin nor absolute form (RFC 9112 3.2).
std::string_view path_of(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_scheme(target, scheme)) continue;
    // RFC 3986 3.2: a query may follow the authority at once.
    const std::size_t end = target.find_first_of("/?#", scheme.size());
    target = end == std::string_view::npos || target[end] != '/' ? "/" : target.substr(end);
    break;
  }
  if (!target.starts_with('/')) return {};
  return target.substr(0, target.find_first_of("?#"));
}

// Decodes in place of `out`; nothing when an escape is malformed or a NUL hides in one.
std::optional<std::size_t> decode(std::string_view path, std::span<char> out) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      if (path.size() - i < 3) return std::nullopt;
      const int high = hex_digit(path[i + 1]);
      const int low = hex_digit(path[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out[size++] = c;
  }
  return size;
}

}  // namespace

std::optional<std::string_view> resolve_target(std::string_view target, std::span<char> out) noexcept {
  const std::string_view path = path_of(target);
  if (path.empty() || out.size() < path.size()) return std::nullopt;
  const auto decoded = decode(path, out);
  if (!decoded) return std::nullopt;

  // Segments move to the front of the same bytes; what is kept never outruns what is read.
  std::size_t kept = 0;
  std::size_t at = 0;
  while (at < *decoded) {
    ++at;  // the slash
    const std::size_t begin = at;
    while (at < *decoded && out[at] != '/') ++at;
    const std::string_view segment(out.data() + begin, at - begin);
    const bool last = at == *decoded;
    if (segment.empty() || segment == ".") {
      continue;
    }
    if (segment == "..") {
      if (kept == 0) return std::nullopt;
      --kept;  // its slash
      while (kept > 0 && out[kept - 1] != '/') --kept;
      continue;
    }
    for (const char c : segment) out[kept++] = c;
    if (!last) out[kept++] = '/';
  }
  return std::string_view(out.data(), kept);
}

std::string_view content_type(std::string_view path) noexcept {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes = {{
      {"html", "text/html"},
      {"htm", "text/html"},
      {"css", "text/css"},
      {"js", "text/javascript"},
      {"json", "application/json"},
      {"txt", "text/plain"},
      {"xml", "application/xml"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"gif", "image/gif"},
      {"ico", "image/x-icon"},
      {"pdf", "application/pdf"},
      {"wasm", "application/wasm"},
  }};
  const std::size_t dot = path.find_last_of("./");
  if (dot != std::string_view::npos && path[dot] == '.') {
    for (const auto& [extension, type] : kTypes) {
      if (path.substr(dot + 1) == extension) return type;
    }
  }
  return "application/octet-stream";
}

}  // namespace sluice::app
