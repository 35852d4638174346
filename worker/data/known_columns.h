// The columns of the examples, as far as the configuration names them.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// Most fields, numerics and columns of a job, and most tasks.
inline constexpr int kMaxInputs = 65536;
inline constexpr int kMaxTasks = 1024;

/// The names of the columns in order, as far as the configuration tells them; none where the
/// headers of the files will.
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

/// Checks that `column` is the name of a column of the data, or a position as #7. Where nothing is
/// known of the columns, the files will tell whether they have it.
void CheckColumn(const config::Checker& check, const config::ConfigPath& path,
                 const std::string& column, const KnownColumns& known);

}  // namespace zhiyin::worker::data
