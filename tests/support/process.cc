#include "tests/support/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string NewFile() {
  std::string name = (std::filesystem::temp_directory_path() / "zhiyin-process-XXXXXX").string();
  const int file = mkstemp(name.data());
  EXPECT_GE(file, 0) << name;
  close(file);
  return name;
}

}  // namespace

BackgroundProcess::BackgroundProcess(const std::vector<std::string>& command)
    : out_path_(NewFile()), err_path_(NewFile()), started_(Now()) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  setpgid(0, 0);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(open(out_path_.c_str(), O_WRONLY), STDOUT_FILENO);
  dup2(open(err_path_.c_str(), O_WRONLY), STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

BackgroundProcess::~BackgroundProcess() {
  if (pid_ > 0) {
    for (int child : Descendants("")) kill(child, SIGKILL);
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::filesystem::remove(out_path_);
  std::filesystem::remove(err_path_);
}

std::vector<int> BackgroundProcess::Descendants(const std::string& text) const {
  std::multimap<int, int> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    const size_t behind_name = stat.rfind(')');  // the name may hold anything
    if (behind_name == std::string::npos) continue;
    std::istringstream rest(stat.substr(behind_name + 1));
    char state = 0;
    int parent = 0;
    rest >> state >> parent;
    children.emplace(parent, std::stoi(name));
  }
  std::vector<int> found;
  std::vector<int> to_visit = {pid_};
  while (!to_visit.empty()) {
    const int parent = to_visit.back();
    to_visit.pop_back();
    const auto [begin, end] = children.equal_range(parent);
    for (auto it = begin; it != end; ++it) {
      to_visit.push_back(it->second);
      std::ifstream file("/proc/" + std::to_string(it->second) + "/cmdline");
      std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      if (line.find(text) != std::string::npos) found.push_back(it->second);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

ProcessResult BackgroundProcess::Wait(double timeout_s) {
  ProcessResult result;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (Now() - started_ > timeout_s) {
      result.timed_out = true;
      for (int child : Descendants("")) kill(child, SIGKILL);
      kill(-pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
  result.seconds = Now() - started_;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = ReadFile(out_path_);
  result.err = ReadFile(err_path_);
  return result;
}

std::string BackgroundProcess::Out() const {
  return ReadFile(out_path_);
}

ProcessResult RunProcess(const std::vector<std::string>& command, double timeout_s) {
  return BackgroundProcess(command).Wait(timeout_s);
}

}  // namespace zhiyin::testing
