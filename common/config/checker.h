// What checks of a job have in common.
#pragma once

#include <cmath>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/config/path.h"
#include "configs/job.pb.h"

namespace zhiyin::config {

inline constexpr int kMaxInputs = 65536;
inline constexpr int kMaxTasks = 1024;

/// The names of the rows' columns in order, where the config tells them; none where the files'
/// headers will say.
class KnownColumns {
 public:
  KnownColumns() = default;
  explicit KnownColumns(std::vector<std::string> names)
      : names_(std::move(names)), set_(names_.begin(), names_.end()) {}

  const std::vector<std::string>& names() const { return names_; }
  bool Has(const std::string& name) const { return set_.count(name) > 0; }

 private:
  std::vector<std::string> names_;
  std::set<std::string> set_;
};

/// Borrows the job and whom to blame. Every Check throws Error, by way of the blame, where it finds
/// what it should not.
class ConfigChecker {
 public:
  ConfigChecker(const Job& job, const ConfigBlame& blame) : job_(job), blame_(blame) {}

 protected:
  template <typename... Pieces>
  static std::string Text(const Pieces&... pieces) {
    std::ostringstream out;
    (out << ... << pieces);
    return out.str();
  }

  [[noreturn]] void Fail(const ConfigPath& path, const std::string& what) const {
    blame_.Fail(job_, path, what);
  }

  template <typename T>
  void CheckRange(const ConfigPath& path, T value, T low, T high) const {
    if (!(value >= low && value <= high))
      Fail(path, Text("is ", value, ", expected ", low, " to ", high));
  }
  void CheckPositive(const ConfigPath& path, double value) const {
    if (!(value > 0 && std::isfinite(value)))
      Fail(path, Text("is ", value, ", expected a number above 0"));
  }
  void CheckNotNegative(const ConfigPath& path, double value) const {
    if (!(value >= 0 && std::isfinite(value)))
      Fail(path, Text("is ", value, ", expected 0 or more"));
  }
  /// A name or #POSITION.
  void CheckColumn(const ConfigPath& path, const std::string& column,
                   const KnownColumns& known) const;

  const Job& job_;
  const ConfigBlame& blame_;
};

}  // namespace zhiyin::config
