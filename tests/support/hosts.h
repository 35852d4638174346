// Several hosts on this machine: network namespaces at a bridge, each with its own SSH server, and
// mpirun over all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {

/// Hosts that live as long as the object, see tests/cluster/hosts.sh. They see this machine's
/// files.
class Hosts {
 public:
  /// What keeps hosts from being made here, for GTEST_SKIP; "" when nothing does.
  static std::string WhatIsMissing();

  /// The test fails when they do not come up.
  explicit Hosts(std::vector<std::string> names);
  /// As bad as SIGKILL to everything on them.
  ~Hosts();

  /// `zhiyin ARGUMENTS` under mpirun on the first host: rank r runs on host r modulo their number.
  /// mpirun finds out at `timeout_s` that a host is lost, as docs/operations.md recommends.
  std::vector<std::string> Command(int n_ranks, int timeout_s, const Arguments& arguments) const;
  /// Takes the host's cable out, or plugs it in again.
  void SetLink(const std::string& name, bool up) const;
  /// Has the host see another file at a path.
  void Replace(const std::string& name, const std::string& path, const std::string& by) const;
  /// The process ids of the ranks that run on a host, in this test's own numbers.
  std::vector<int> RanksOn(const std::string& name) const;
  /// Sends a signal to all ranks on a host.
  void SignalRanks(const std::string& name, int signal) const;

  /// A path in a folder that goes with the hosts.
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  /// The process that made the hosts, and without which they end.
  int keeper() const;
  /// Of the hosts' first processes.
  int FirstProcess(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  TempFolder folder_;
  std::unique_ptr<BackgroundProcess> keeper_;
};

}  // namespace zhiyin::testing
