// SPDX-License-Identifier: BSD-3-Clause
// Every file in broken/ is a configuration with a defect. Comments in it hold the
// --set options it is loaded with (`# set: `) and exactly the messages that must
// come (`# expect: `), in this order and no other.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "cli/config_file.h"

namespace sluice::cli {
namespace {

std::vector<std::filesystem::path> broken_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(CLI_TEST_DIR "/broken")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What follows `mark` on the lines that begin with it; "\n" stands for a line break.
std::vector<std::string> marked(const std::string& text, const std::string& mark) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(mark)) continue;
    std::string value = line.substr(mark.size());
    const std::size_t escaped = value.find("\\n");
    if (escaped != std::string::npos && mark == "# set: ") value.replace(escaped, 2, "\n");
    found.push_back(value);
  }
  return found;
}

class BrokenConfig : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(BrokenConfig, GivesExactlyItsMessages) {
  const std::string text = read_text(GetParam());
  const std::vector<std::string> expected = marked(text, "# expect: ");
  ASSERT_FALSE(expected.empty()) << "the file expects nothing";
  const LoadedConfig loaded = parse_config(text, GetParam().filename().string(), marked(text, "# set: "));
  EXPECT_EQ(loaded.errors, expected);
}

INSTANTIATE_TEST_SUITE_P(Files, BrokenConfig, testing::ValuesIn(broken_files()),
                         [](const auto& file) { return file.param.stem().string(); });

TEST(BrokenConfigs, AreManyAndMostHaveOneMessage) {
  const std::vector<std::filesystem::path> files = broken_files();
  const auto single = std::count_if(files.begin(), files.end(), [](const std::filesystem::path& file) {
    return marked(read_text(file), "# expect: ").size() == 1;
  });
  EXPECT_GE(single, 100);
}

TEST(UnreadableConfig, NamesTheFileAndTheReason) {
  EXPECT_EQ(load_config("/nonexistent/sluice.toml").errors,
            std::vector<std::string>{"/nonexistent/sluice.toml: cannot be read (No such file or directory); "
                                     "give a readable file with -c"});
  EXPECT_EQ(load_config("/").errors,
            std::vector<std::string>{"/: cannot be read (Is a directory); give a readable file with -c"});
}

}  // namespace
}  // namespace sluice::cli
