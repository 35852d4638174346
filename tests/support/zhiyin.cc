#include "tests/support/zhiyin.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <thread>

#include "tests/support/files.h"

namespace zhiyin::testing {

std::vector<std::string> ZhiyinCommand(int n_ranks, const Arguments& arguments) {
  std::vector<std::string> command;
  if (n_ranks > 0) command = {SourcePath("launch/mpirun.sh"), "-n", std::to_string(n_ranks)};
  command.push_back(ZHIYIN_BINARY);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

ProcessResult RunZhiyin(int n_ranks, const Arguments& arguments, double timeout_s) {
  return RunProcess(ZhiyinCommand(n_ranks, arguments), timeout_s);
}

nlohmann::json Train(int n_ranks, const Arguments& arguments) {
  TempFolder folder;
  Arguments all = {"train", "--output=" + folder.Path("out"), "--progress=none"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const ProcessResult result = RunZhiyin(n_ranks, all);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  return nlohmann::json::parse(ReadFile(folder.Path("out/summary.json")), nullptr,
                               /*allow_exceptions=*/false);
}

void WaitForEpoch(const std::string& output) {
  for (int i = 0; i < 6000; ++i) {
    std::error_code none;
    const auto size = std::filesystem::file_size(output + "/metrics.jsonl", none);
    if (!none && size > 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "the job does not train";
}

std::vector<std::string> ErrorLines(const ProcessResult& result) {
  const std::string prefix = "zhiyin: error: ";
  std::vector<std::string> lines;
  std::istringstream text(result.err);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(prefix)) lines.push_back(line.substr(prefix.size()));
  }
  return lines;
}

namespace {

/// What Open MPI itself says when a rank reads another's memory that has just ended.
bool IsOfOpenMpi(const std::string& line) {
  return line.find("Read -1, expected ") != std::string::npos &&
         line.find("errno = 3") != std::string::npos;
}

}  // namespace

std::vector<std::string> OtherLines(const ProcessResult& result) {
  std::vector<std::string> lines;
  std::istringstream text(result.err);
  bool in_notice = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("------")) {
      in_notice = !in_notice;
    } else if (!in_notice && !line.empty() && !line.starts_with("zhiyin: error: ") &&
               !IsOfOpenMpi(line)) {
      lines.push_back(line);
    }
  }
  return lines;
}

}  // namespace zhiyin::testing
