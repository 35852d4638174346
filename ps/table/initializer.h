// The first value of a row.
#pragma once

#include <cstdint>
#include <span>

#include "common/types.h"
#include "configs/job.pb.h"

namespace zhiyin::ps::table {

/// A pure function of (seed, table, key): a row does not depend on who asked for it first, or when,
/// or where it lives.
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
