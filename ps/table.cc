#include "ps/table.h"

#include <glog/logging.h>

#include <algorithm>

namespace zhiyin::ps {

std::vector<TableSpec> TableSpecs(const Job& job) {
  std::vector<TableSpec> specs;
  TableSpec& dense = specs.emplace_back();
  dense.id = kDenseTable;
  dense.name = "dense";
  dense.dim = kDenseRowDim;
  dense.optimizer = job.train().dense_optimizer();
  dense.init.mutable_zero();  // overwritten by the chief before the first pull
  for (const zhiyin::Table& table : job.table()) {
    TableSpec& spec = specs.emplace_back();
    spec.id = static_cast<TableId>(specs.size() - 1);
    spec.name = table.name();
    spec.dim = table.dim();
    spec.optimizer = table.optimizer();
    spec.init = table.init();
  }
  return specs;
}

Table::Table(const TableSpec& spec, uint64_t seed)
    : spec_(spec),
      optimizer_(MakeOptimizer(spec.optimizer)),
      initializer_(spec.init, seed, spec.id),
      index_(spec.id),
      rows_(spec.dim + optimizer_->state_floats(spec.dim)) {}

void Table::FindOrCreate(std::span<const Key> keys, std::span<float*> rows) {
  numbers_.resize(keys.size());
  index_.Find(keys, numbers_);
  for (size_t i = 0; i < keys.size(); ++i) {
    // A key that is new may stand twice in the request: the second time it is there.
    if (numbers_[i] == Index::kAbsent) numbers_[i] = index_.Find(keys[i]);
    if (numbers_[i] == Index::kAbsent) {
      numbers_[i] = rows_.Add();
      const std::span<float> row(rows_.Row(numbers_[i]), static_cast<size_t>(row_floats()));
      initializer_(keys[i], row.first(static_cast<size_t>(dim())));
      optimizer_->InitState(row.subspan(static_cast<size_t>(dim())));
      index_.Insert(keys[i], numbers_[i]);
    }
    rows[i] = rows_.Row(numbers_[i]);
  }
}

void Table::Find(std::span<const Key> keys, std::span<float*> rows) {
  numbers_.resize(keys.size());
  index_.Find(keys, numbers_);
  for (size_t i = 0; i < keys.size(); ++i)
    rows[i] = numbers_[i] == Index::kAbsent ? nullptr : rows_.Row(numbers_[i]);
}

void Table::VisitShard(int shard, const std::function<void(Key, std::span<const float>)>& visit) const {
  for (const Index::Entry& entry : index_.SortedShard(shard)) {
    visit(entry.key, {rows_.Row(entry.row), static_cast<size_t>(row_floats())});
  }
}

void Table::Restore(Key key, std::span<const float> row) {
  CHECK_EQ(row.size(), static_cast<size_t>(row_floats()));
  const uint32_t number = rows_.Add();
  std::copy(row.begin(), row.end(), rows_.Row(number));
  index_.Insert(key, number);
}

}  // namespace zhiyin::ps
