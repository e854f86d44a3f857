// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "app/known_apps.h"
#include "app/line_reader.h"
#include "app/options.h"
#include "app/registry.h"

namespace sluice::app {
namespace {

std::string refusal(const std::string& app, AppOptions options) {
  ServiceConfig config;
  config.name = "web";
  config.app = app;
  config.options = std::move(options);
  const Result<ServiceFactory> factory = make_factory(config);
  if (factory) return "accepted";
  EXPECT_EQ(factory.error().code, Errc::kInvalid);
  return factory.error().message;
}

TEST(RegistryTest, MakesEveryAvailableApp) {
  for (const AppSpec& spec : known_apps()) {
    if (!spec.available) continue;
    AppOptions options;
    if (spec.name == "behave") options["does"] = "hold";
    if (spec.name == "remote") options["socket"] = "/tmp/sluice-unit-app-none.sock";
    EXPECT_EQ(refusal(std::string(spec.name), options), "accepted") << spec.name;
  }
}

TEST(RegistryTest, RefusalsNameServiceKeyValueAndRemedy) {
  constexpr const char* kApps = "write one of echo, discard, chargen, daytime, http, behave, remote";
  EXPECT_EQ(refusal("nginx", {}), std::string("service.web.app: unknown app (nginx); ") + kApps);
  EXPECT_EQ(refusal("proxy", {}), std::string("service.web.app: unknown app (proxy); ") + kApps);
  EXPECT_EQ(refusal("echo", {{"bytes", "1"}}), "service.web.bytes: app echo has no such option; leave it out");
  EXPECT_EQ(refusal("chargen", {{"byte", "1"}}), "service.web.byte: app chargen has no such option; it knows bytes");
  EXPECT_EQ(refusal("chargen", {{"bytes", "-1"}}),
            "service.web.bytes: not a number in its bounds (-1); write 0 to 1125899906842624");
  EXPECT_EQ(refusal("behave", {}), "service.web.does: missing; app behave needs it");
  EXPECT_EQ(refusal("behave", {{"does", "sleep"}}),
            "service.web.does: not known (sleep); write one of hold, close, half-close, abort, close-unread");
  EXPECT_EQ(refusal("http", {{"body_bytes", "1"}, {"root", "/"}}),
            "service.web.body_bytes: excludes root; keep one of the two");
  EXPECT_EQ(refusal("http", {{"file", "/nowhere/x"}}),
            "service.web.file: /nowhere/x: No such file or directory; name a file that can be read");
  EXPECT_EQ(refusal("http", {{"file", "/tmp"}}),
            "service.web.file: /tmp: not a regular file; name a file, or a directory with root");
  EXPECT_EQ(refusal("http", {{"root", "/etc/passwd"}}),
            "service.web.root: /etc/passwd: Not a directory; name a directory that can be read");
  EXPECT_EQ(refusal("remote", {{"socket", "/etc/passwd"}}),
            "service.web.socket: /etc/passwd: something else is there; name a path that a socket can be made at");
  EXPECT_EQ(refusal("remote", {{"socket", "/nowhere/s"}}),
            "service.web.socket: /nowhere/s: No such file or directory; name a path that a socket can be made at");
}

TEST(ParseDecimalTest, TakesDigitsOnly) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_decimal("5", 5), 5U);
  for (const std::string_view bad : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_decimal(bad)) << bad;
  }
  EXPECT_FALSE(parse_decimal("6", 5));
}

TEST(LineReaderTest, SameLinesHoweverTheBytesAreCut) {
  const std::string input = "one\n\ntwo\r\n" + std::string(30, 'x') + "\nthree\nrest";
  for (std::size_t cut = 1; cut <= input.size(); ++cut) {
    LineReader reader(10);
    std::string seen;
    for (std::size_t at = 0; at < input.size(); at += cut) {
      reader.append(std::string_view(input).substr(at, cut));
      while (const auto line = reader.next()) seen += line->too_long ? "LONG|" : std::string(line->text) + '|';
    }
    EXPECT_EQ(seen, "one||two\r|LONG|three|") << cut;
    reader.finish();
    const auto last = reader.next();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->text, "rest");
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.size(), 0U);
  }
}

TEST(LineReaderTest, ALongLineWithoutEndIsToldOnce) {
  LineReader reader(10);
  for (int i = 0; i < 100000; ++i) {
    reader.append("0123456789");
    EXPECT_FALSE(reader.next());
    ASSERT_LE(reader.size(), 20U);
  }
  reader.finish();
  const auto line = reader.next();
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->too_long);
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace sluice::app
