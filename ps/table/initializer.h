// The initial weights of a row.
#pragma once

#include <cstdint>
#include <span>

#include "common/config/checker.h"
#include "common/types.h"
#include "configs/job.pb.h"

namespace zhiyin::ps::table {

void FillInitializer(Initializer* config);
/// Throws Error, by way of `check`, for a spread that is impossible. REQUIRES: defaults are filled
/// in.
void CheckInitializer(const config::Checker& check, const config::ConfigPath& path,
                      const Initializer& config);

/// Computes the initial weights of a row, a pure function of (seed, table, key): they do not depend
/// on the worker that pulls the key first, the step, or the server. Immutable: used by any thread.
class RowInitializer {
 public:
  /// REQUIRES: a config that passed validation.
  RowInitializer(const Initializer& config, uint64_t seed, TableId table);
  void operator()(Key key, std::span<float> weights) const;

 private:
  Initializer config_;
  uint64_t seed_;
  TableId table_;
};

}  // namespace zhiyin::ps::table
