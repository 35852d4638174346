#include "tests/support/hosts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

namespace zhiyin::testing {
namespace {

namespace fs = std::filesystem;

bool IsThere(const std::string& program) {
  return RunProcess({"sh", "-c", "PATH=$PATH:/usr/sbin:/sbin command -v " + program}, 10)
             .exit_code == 0;
}

void Run(const std::vector<std::string>& command) {
  const ProcessResult result = RunProcess(command, 10);
  EXPECT_EQ(result.exit_code, 0) << command[0] << ": " << result.err;
}

/// "pid:[4026531836]"; "" when the process is gone.
std::string Namespace(int pid, const std::string& kind) {
  std::error_code gone;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + kind, gone).string();
}

}  // namespace

std::string Hosts::WhatIsMissing() {
  if (geteuid() != 0) return "only root can make hosts of namespaces";
  for (const char* program : {"ip", "sshd", "ssh", "ssh-keygen", "unshare", "nsenter", "setpriv",
                              "mount", "hostname", "awk"}) {
    if (!IsThere(program))
      return std::string(program) + " is missing: launch/install_packages.sh test cluster";
  }
  const ProcessResult made = RunProcess(
      {"unshare", "--net", "--uts", "--pid", "--mount", "--fork", "--mount-proc", "sh", "-c",
       "PATH=$PATH:/usr/sbin:/sbin; hostname node-a && mount -t tmpfs none /run && ip link add "
       "bridge0 type "
       "bridge && ip link add veth0 type veth peer name veth1"},
      10);
  if (made.exit_code != 0) return "this machine lets nobody make namespaces: " + made.err;
  return "";
}

Hosts::Hosts(std::vector<std::string> names) : names_(std::move(names)) {
  std::vector<std::string> command = {SourcePath("tests/cluster/hosts.sh"), folder_.Path()};
  command.insert(command.end(), names_.begin(), names_.end());
  keeper_ = std::make_unique<BackgroundProcess>(command);
  for (int i = 0; i < 1000 && !fs::exists(Path("ready")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (!fs::exists(Path("ready"))) {
    ADD_FAILURE() << "the hosts did not come up: " << keeper_->Wait(0).err;
  }
  std::string hostfile;
  for (const std::string& name : names_) hostfile += name + " slots=64\n";
  folder_.Write("hostfile", hostfile);
  fs::create_directory(Path("tmp"));
}

Hosts::~Hosts() {
  // Their folder is about to go: nobody may use it any more.
  std::vector<int> processes;
  for (const std::string& name : names_) processes.push_back(FirstProcess(name));
  keeper_.reset();
  for (const int pid : processes) {
    for (int i = 0; i < 500 && !Namespace(pid, "net").empty(); ++i)  // a zombie has none
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

int Hosts::keeper() const {
  return keeper_->pid();
}

int Hosts::FirstProcess(const std::string& name) const {
  return std::atoi(ReadFile(Path(name + ".pid")).c_str());
}

std::vector<std::string> Hosts::Command(int n_ranks, int timeout_s,
                                        const Arguments& arguments) const {
  std::vector<std::string> command = {
      "nsenter", "--net", "--uts", "--pid", "--mount", "--target",
      std::to_string(FirstProcess(names_[0])),
      // Its session folders go with the hosts.
      "env", "TMPDIR=" + Path("tmp"), SourcePath("launch/mpirun.sh"), "--hostfile",
      Path("hostfile"), "--map-by", "node", "-n", std::to_string(n_ranks)};
  const auto set = [&](const std::string& name, const std::string& value) {
    command.insert(command.end(), {"--mca", name, value});
  };
  set("plm_rsh_agent", "ssh -F " + Path("ssh_config"));
  set("orte_tmpdir_base", Path("tmp"));
  set("btl", "tcp,vader,self");
  set("btl_tcp_if_include", "10.77.0.0/24");
  set("oob_tcp_if_include", "10.77.0.0/24");
  set("oob_tcp_keepalive_time", "1");
  set("oob_tcp_keepalive_intvl", "1");
  set("oob_tcp_keepalive_probes", std::to_string(timeout_s + 2));
  command.push_back(ZHIYIN_BINARY);
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.push_back("--timeout_s=" + std::to_string(timeout_s));
  return command;
}

void Hosts::SetLink(const std::string& name, bool up) const {
  const std::string hub = std::to_string(std::atoi(ReadFile(Path("hub")).c_str()));
  Run({"nsenter", "--net", "--target", hub, "ip", "link", "set", name, up ? "up" : "down"});
}

void Hosts::Replace(const std::string& name, const std::string& path, const std::string& by) const {
  Run({"nsenter", "--mount", "--target", std::to_string(FirstProcess(name)), "mount", "--bind", by,
       path});
}

std::vector<int> Hosts::RanksOn(const std::string& name) const {
  const std::string host = Namespace(FirstProcess(name), "pid");
  std::vector<int> ranks;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid == 0 || host.empty() || Namespace(pid, "pid") != host) continue;
    std::error_code gone;
    if (fs::read_symlink(entry.path() / "exe", gone).filename() ==
        fs::path(ZHIYIN_BINARY).filename())
      ranks.push_back(pid);
  }
  return ranks;
}

void Hosts::SignalRanks(const std::string& name, int signal) const {
  const std::vector<int> ranks = RanksOn(name);
  EXPECT_FALSE(ranks.empty()) << "no rank runs on " << name;
  for (const int pid : ranks) kill(pid, signal);
}

}  // namespace zhiyin::testing
