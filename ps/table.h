// A server's part of one table: keys, rows, and how they are made and changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/index.h"
#include "ps/initializer.h"
#include "ps/optimizer.h"
#include "ps/row_store.h"

namespace zhiyin::ps {

struct TableSpec {
  TableId id = 0;
  std::string name;
  int dim = 0;
  zhiyin::Optimizer optimizer;
  Initializer init;
};

/// The dense table, then those of the job: spec i has id i.
std::vector<TableSpec> TableSpecs(const Job& job);

/// A row is [dim weights | optimizer state]; its address holds as long as the table. One thread.
class Table {
 public:
  Table(const TableSpec& spec, uint64_t seed);

  const std::string& name() const { return spec_.name; }
  int dim() const { return spec_.dim; }
  int row_floats() const { return rows_.row_floats(); }
  int64_t n_rows() const { return index_.size(); }
  int64_t n_bytes() const { return index_.n_bytes() + rows_.n_bytes(); }

  /// Addresses of the keys' rows, made where absent.
  void FindOrCreate(std::span<const Key> keys, std::span<float*> rows);
  /// nullptr where absent.
  void Find(std::span<const Key> keys, std::span<float*> rows);
  /// One optimizer step on different rows of this table, gradients [rows.size(), dim].
  void Apply(std::span<float* const> rows, const float* gradients) {
    optimizer_->Apply(rows, gradients, spec_.dim);
  }

  /// Every row of a virtual shard by ascending key: visit(key, weights and state).
  void VisitShard(int shard, const std::function<void(Key, std::span<const float>)>& visit) const;
  /// A row as VisitShard gave it. REQUIRES: the key is absent, row.size() == row_floats().
  void Restore(Key key, std::span<const float> row);

 private:
  TableSpec spec_;
  std::unique_ptr<Optimizer> optimizer_;
  RowInitializer initializer_;
  Index index_;
  RowStore rows_;
  std::vector<uint32_t> numbers_;  // workspace of the lookups
};

}  // namespace zhiyin::ps
