// SPDX-License-Identifier: BSD-3-Clause
// The heads of HTTP requests beside a naive parser after RFC 9112, which cuts lines and words out of strings; and cut off
// anywhere, a head is either "not all there yet" or what it is in whole. The target's path beside a naive one as well.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "app/http_path.h"
#include "app/http_request.h"
#include "fuzz/input.h"

namespace sluice::fuzz {
namespace {

using app::Method, app::Persistence, app::Request;

constexpr unsigned kMore = 0, kGood = 200;
constexpr std::size_t kLongestMethod = 24;  // of what we say 501 to (RFC 9112 3)

bool is_tchar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}
bool is_vchar(char c) { return c > ' ' && c < '\x7f'; }
bool is_field_char(char c) { return c == '\t' || c == ' ' || is_vchar(c) || static_cast<unsigned char>(c) >= 0x80; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename Is>
bool all(const std::string& text, Is is) { return std::all_of(text.begin(), text.end(), is); }

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}
std::string trim(const std::string& text) {
  const std::size_t from = text.find_first_not_of(" \t");
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}
std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == at) out.emplace_back();
    else out.back() += c;
  }
  return out;
}

struct Naive {
  unsigned status = kMore;
  std::string method, target;
  int minor = 1;
  std::size_t head_bytes = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case, values trimmed

  void parse(std::string text);
  [[nodiscard]] unsigned request_line(const std::string& text, std::size_t at);
  [[nodiscard]] unsigned judge_fields();
  [[nodiscard]] bool lists(const char* token) const;
  [[nodiscard]] bool has(const char* name) const;
  std::optional<unsigned long long> length;
};

// What the whole line up to the LF says, or what stands there of it.
unsigned Naive::request_line(const std::string& text, std::size_t at) {
  const std::size_t lf = text.find('\n', at);
  const bool whole = lf != std::string::npos;
  const std::string line = text.substr(at, whole ? lf - at : lf);
  const std::size_t first = line.find(' ');
  method = line.substr(0, first);
  if (method.size() > kLongestMethod && all(method.substr(0, kLongestMethod + 1), is_tchar)) return 501;
  if (!all(method, is_tchar) || method.empty()) return 400;
  if (first == std::string::npos) return whole ? 400 : kMore;
  const std::size_t second = line.find(' ', first + 1);
  target = line.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  if (target.size() > app::kMaxTarget && all(target.substr(0, app::kMaxTarget + 1), is_vchar)) return 414;
  if (!all(target, is_vchar)) return 400;
  if (second == std::string::npos) return whole ? 400 : kMore;
  if (target.empty()) return 400;
  // The version is judged when its eight bytes are there, unless it begins like no HTTP.
  const std::string version = text.substr(at + second + 1, 8);
  const std::string http = "HTTP/";
  if (version.compare(0, 5, http, 0, std::min<std::size_t>(5, version.size())) != 0) return 400;
  if (version.size() < 8) return kMore;
  if (!is_digit(version[5]) || version[6] != '.' || !is_digit(version[7])) return 400;
  if (version[5] != '1') return 505;
  minor = version[7] - '0';
  const std::string rest = line.substr(second + 9);
  if (rest != "" && rest != "\r") return 400;
  return whole ? kGood : kMore;
}

void Naive::parse(std::string text) {
  const bool cut = text.size() >= app::kMaxHead;
  if (cut) text.resize(app::kMaxHead);
  std::size_t at = text.find_first_not_of("\r\n");
  status = at == std::string::npos ? kMore : request_line(text, at);
  if (status == kMore && cut) status = 414;
  if (status != kGood) return;
  for (;;) {
    at = text.find('\n', at) + 1;
    const std::size_t lf = text.find('\n', at);
    std::string line = text.substr(at, lf == std::string::npos ? lf : lf - at);
    const bool cr = !line.empty() && line.back() == '\r';
    if (cr) line.pop_back();
    const std::size_t colon = line.find(':');
    const std::string name = line.substr(0, colon);
    const std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    const bool named = colon != std::string::npos && !name.empty() && all(name, is_tchar) && all(value, is_field_char);
    if (lf == std::string::npos) {
      const bool hopeful = line.empty() || named || (!cr && colon == std::string::npos && all(name, is_tchar));
      status = !hopeful ? 400 : cut ? 431 : kMore;
      return;
    }
    if (line.empty()) {
      head_bytes = lf + 1;
      break;
    }
    if (!named) {
      status = 400;
      return;
    }
    fields.emplace_back(lower(name), trim(value));
    status = judge_fields();
    if (status != kGood) return;
  }
  // RFC 9112 6.1 and 6.3: how long the body is must be beyond doubt; we take none in pieces.
  std::string codings;
  for (const auto& [name, value] : fields) {
    if (name == "transfer-encoding") codings += (codings.empty() ? "" : ", ") + (value.empty() ? "(none)" : lower(value));
  }
  if (!codings.empty()) status = length ? 400 : codings == "chunked" ? 411 : 501;
}

// The field that came last, beside those before it.
unsigned Naive::judge_fields() {
  const auto& [name, value] = fields.back();
  if (name == "host") {
    return std::count_if(fields.begin(), fields.end(), [](const auto& f) { return f.first == "host"; }) > 1 ? 400 : kGood;
  }
  if (name != "content-length") return kGood;
  if (value.empty() || !all(value, is_digit)) return 400;
  unsigned long long number = 0;
  bool fits = true;
  for (const char c : value) {
    fits = fits && !__builtin_mul_overflow(number, 10ULL, &number) &&
           !__builtin_add_overflow(number, static_cast<unsigned long long>(c - '0'), &number);
  }
  if (fits && length && *length != number) return 400;
  if (!fits || number > app::kMaxRequestBody) return 413;
  length = number;
  return kGood;
}

bool Naive::has(const char* name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
}

bool Naive::lists(const char* token) const {
  for (const auto& [name, value] : fields) {
    if (name != "connection") continue;
    for (const std::string& each : split(value, ',')) {
      if (lower(trim(each)) == token) return true;
    }
  }
  return false;
}

Method naive_method(const std::string& name) {
  if (name == "GET") return Method::kGet;
  if (name == "HEAD") return Method::kHead;
  for (const char* other : {"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    if (name == other) return Method::kNotAllowed;
  }
  return Method::kUnknown;
}

// RFC 3986 5.2.4 on the decoded path, which is all that a file's name is made of.
std::optional<std::string> naive_path(std::string target) {
  for (const char* scheme : {"http://", "https://"}) {
    if (lower(target).rfind(scheme, 0) != 0) continue;
    target = target.substr(std::strlen(scheme));
    const std::size_t end = target.find_first_of("/?#");
    target = end == std::string::npos || target[end] != '/' ? "/" : target.substr(end);
    break;
  }
  if (target.empty() || target[0] != '/') return std::nullopt;
  target = target.substr(0, target.find_first_of("?#"));
  std::string decoded;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] != '%') {
      decoded += target[i];
      continue;
    }
    const std::string digits = lower(target.substr(i + 1, 2));
    if (digits.size() != 2 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
    decoded += static_cast<char>(std::stoi(digits, nullptr, 16));
    i += 2;
  }
  if (decoded.find('\0') != std::string::npos) return std::nullopt;
  std::vector<std::string> names;
  const std::vector<std::string> segments = split(decoded.substr(1), '/');
  for (const std::string& segment : segments) {
    if (segment == "..") {
      if (names.empty()) return std::nullopt;
      names.pop_back();
    } else if (!segment.empty() && segment != ".") {
      names.push_back(segment);
    }
  }
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : "/") + name;
  const bool open = segments.back().empty() || segments.back() == "." || segments.back() == "..";
  return open && !out.empty() ? out + "/" : out;
}

void same_path(std::string_view target) {
  const std::vector<char> exact(target.begin(), target.end());
  std::vector<char> room(target.size());
  const auto path = app::resolve_target({exact.data(), exact.size()}, room);
  const auto expected = naive_path(std::string(target));
  require(path.has_value() == expected.has_value(), "the naive path differs", expected ? "there is one" : "there is none");
  if (!path) return;
  require(*path == *expected, "the naive path differs", expected->c_str());
  (void)app::content_type(*path);
}

struct Parsed {
  unsigned status = 0;
  Request request;
  std::string target;
};

// In a copy of its own, so that a sanitizer sees a read beyond its end.
Parsed parse(std::string_view bytes) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  Parsed out;
  out.status = app::parse_request({copy.data(), copy.size()}, out.request);
  if (out.status != kGood) return out;
  const char* target = out.request.target.data();
  require(target >= copy.data() && target + out.request.target.size() <= copy.data() + copy.size(), "a target outside of the head");
  require(out.request.head_bytes <= std::min(bytes.size(), app::kMaxHead), "a head longer than what is there");
  out.target = out.request.target;
  return out;
}

void same(const Parsed& a, const Parsed& b) {
  require(a.status == b.status, "more bytes make another status", std::to_string(b.status).c_str());
  if (a.status != kGood) return;
  require(a.target == b.target && a.request.method == b.request.method && a.request.persistence == b.request.persistence &&
              a.request.body_bytes == b.request.body_bytes && a.request.head_bytes == b.request.head_bytes,
          "more bytes make another request");
}

void same_in_pieces(std::string_view bytes, const Parsed& whole) {
  const std::size_t step = 1 + bytes.size() / 128;  // long inputs at some places only
  Parsed before;
  for (std::size_t n = 0; n <= bytes.size(); n += step) {
    const Parsed part = parse(bytes.substr(0, n));
    if (before.status != kMore) same(before, part);
    if (part.status != kMore) same(part, whole);
    if (part.status == kGood) require(part.request.head_bytes <= n, "a head that is not there yet");
    before = part;
  }
  if (whole.status != kGood) return;
  require(parse(bytes.substr(0, whole.request.head_bytes - 1)).status == kMore, "a head without its last byte");
  same(parse(bytes.substr(0, whole.request.head_bytes)), whole);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Parsed parsed = parse(bytes);
  Naive naive;
  naive.parse(std::string(bytes));
  require(parsed.status == naive.status, "the naive parser gives another status", std::to_string(naive.status).c_str());
  if (parsed.status == kGood) {
    require(parsed.target == naive.target, "another target", naive.target.c_str());
    require(parsed.request.method == naive_method(naive.method), "another method", naive.method.c_str());
    require(parsed.request.head_bytes == naive.head_bytes, "another end of the head");
    require(parsed.request.body_bytes == naive.length.value_or(0), "another length");
    // RFC 9112 9.3; a body that waits for "100 Continue" may never come.
    const bool ends = naive.lists("close") || (naive.minor == 0 && !naive.lists("keep-alive")) ||
                      (naive.has("expect") && naive.length.value_or(0) != 0);
    const Persistence expected = ends ? Persistence::kClose : naive.minor == 0 ? Persistence::kKeepAlive10 : Persistence::kKeepAlive;
    require(parsed.request.persistence == expected, "another persistence");
    same_path(parsed.target);
  }
  same_in_pieces(bytes, parsed);
  return 0;
}
