#include "worker/model/embedding_input.h"

#include <glog/logging.h>

#include <algorithm>
#include <numeric>

#include "common/copy_row.h"
#include "common/erase_at.h"

namespace zhiyin::worker::model {
namespace {

void AddTo(float* __restrict to, const float* __restrict from, float factor, int dim) {
  for (int d = 0; d < dim; ++d) to[d] += factor * from[d];
}

/// Calls visit(column, position) for each column, with the position of the first embedding row that
/// has the largest value there.
template <typename Visit>
void ForEachLargest(std::span<const float> weights, std::span<const uint32_t> positions, int dim,
                    const Visit& visit) {
  for (int d = 0; d < dim; ++d) {
    const auto value = [&](uint32_t position) {
      return weights[position * static_cast<size_t>(dim) + static_cast<size_t>(d)];
    };
    uint32_t largest = positions[0];
    for (const uint32_t position : positions.subspan(1)) {
      if (value(position) > value(largest)) largest = position;
    }
    visit(d, largest);
  }
}

float PoolFactor(Field::Pooling pooling, size_t n_values) {
  return pooling == Field::MEAN ? 1.0f / static_cast<float>(n_values) : 1.0f;
}

}  // namespace

EmbeddingInput::EmbeddingInput(const Job& job, const InputLayout& layout) : layout_(layout) {
  for (const Table& table : job.table()) {
    TableRows& rows = tables_.emplace_back();
    rows.dim = table.dim();
    rows.l2 = static_cast<float>(table.l2());
  }
  for (int f = 0; f < job.field_size(); ++f) {
    const Field& field = job.field(f);
    const auto table = std::find_if(job.table().begin(), job.table().end(),
                                    [&](const Table& t) { return t.name() == field.table(); });
    CHECK(table != job.table().end()) << field.table();
    fields_.push_back({static_cast<size_t>(table - job.table().begin()),
                       layout.fields[static_cast<size_t>(f)], field.pooling()});
  }
}

void EmbeddingInput::Prepare(const data::Examples& rows) {
  rows_.resize(static_cast<size_t>(rows.n));
  std::iota(rows_.begin(), rows_.end(), size_t{0});
  key_begin_ = rows.key_begin;
  numerics_ = rows.numerics;
  positions_.resize(rows.keys.size());
  for (TableRows& table : tables_) table.keys.Clear();
  for (size_t i = 0; i < static_cast<size_t>(rows.n); ++i) {
    for (size_t f = 0; f < fields_.size(); ++f) {
      UniqueKeys& keys = tables_[fields_[f].table].keys;
      const Range values = ValuesOf(i, f);
      for (uint32_t k = values.begin; k < values.end; ++k) {
        // The next key is most often of this table; a useless prefetch costs little.
        if (k + UniqueKeys::kAhead < rows.keys.size())
          keys.Prefetch(rows.keys[k + UniqueKeys::kAhead]);
        positions_[k] = keys.Insert(rows.keys[k]);
      }
    }
  }
  for (TableRows& table : tables_) {
    const size_t n = table.keys.size() * static_cast<size_t>(table.dim);
    table.weights.resize(n);
    table.gradients.resize(n);
  }
}

void EmbeddingInput::LeaveOut(std::span<const int64_t> examples) {
  EraseAt(examples, 1, &rows_);
}

std::span<const double> EmbeddingInput::numerics(int64_t example) const {
  const size_t n = layout_.numerics.size();
  return std::span(numerics_).subspan(rows_[static_cast<size_t>(example)] * n, n);
}

void EmbeddingInput::Pool(Matrix* x) const {
  x->resize(n_rows(), layout_.dim);
  const size_t n_numerics = layout_.numerics.size();
  for (int64_t i = 0; i < n_rows(); ++i) {
    const size_t example = rows_[static_cast<size_t>(i)];
    float* row = x->data() + i * layout_.dim;
    for (size_t f = 0; f < fields_.size(); ++f) PoolField(fields_[f], PositionsOf(example, f), row);
    for (size_t j = 0; j < n_numerics; ++j)
      row[layout_.numerics[j].begin] = static_cast<float>(numerics_[example * n_numerics + j]);
  }
}

void EmbeddingInput::PoolField(const FieldPlan& field, std::span<const uint32_t> positions,
                               float* row) const {
  const TableRows& table = tables_[field.table];
  const size_t dim = static_cast<size_t>(table.dim);
  const auto weights = [&](uint32_t position) { return table.weights.data() + position * dim; };
  float* const to = row + field.part.begin;
  if (positions.size() == 1 && !field.part.is_sequence()) {
    CopyRow(weights(positions[0]), dim * sizeof(float), to);
    return;
  }
  std::fill_n(to, field.part.width(), 0.0f);
  if (field.part.is_sequence()) {
    for (size_t l = 0; l < positions.size(); ++l)
      CopyRow(weights(positions[l]), dim * sizeof(float), to + l * dim);
    row[field.part.count_column()] = static_cast<float>(positions.size());
    return;
  }
  if (positions.empty()) return;
  if (field.pooling == Field::MAX) {
    ForEachLargest(table.weights, positions, table.dim,
                   [&](int d, uint32_t largest) { to[d] = weights(largest)[d]; });
    return;
  }
  const float factor = PoolFactor(field.pooling, positions.size());
  for (const uint32_t position : positions) AddTo(to, weights(position), factor, table.dim);
}

void EmbeddingInput::ClearGradients() {
  for (TableRows& table : tables_) std::fill(table.gradients.begin(), table.gradients.end(), 0.0f);
}

void EmbeddingInput::Scatter(const Matrix& dx) {
  ClearGradients();
  for (int64_t i = 0; i < n_rows(); ++i) {
    const float* row = dx.data() + i * layout_.dim;
    for (size_t f = 0; f < fields_.size(); ++f)
      ScatterField(fields_[f], PositionsOf(rows_[static_cast<size_t>(i)], f), row);
  }
}

void EmbeddingInput::AddL2(int64_t step_examples) {
  for (size_t f = 0; f < fields_.size(); ++f) {
    TableRows& table = tables_[fields_[f].table];
    if (table.l2 == 0) continue;
    const size_t dim = static_cast<size_t>(table.dim);
    const float factor = table.l2 / static_cast<float>(step_examples);
    for (const size_t example : rows_) {
      for (const uint32_t position : PositionsOf(example, f))
        AddTo(table.gradients.data() + position * dim, table.weights.data() + position * dim,
              factor, table.dim);
    }
  }
}

void EmbeddingInput::ScatterField(const FieldPlan& field, std::span<const uint32_t> positions,
                                  const float* row) {
  TableRows& table = tables_[field.table];
  const size_t dim = static_cast<size_t>(table.dim);
  const auto gradients = [&](uint32_t position) { return table.gradients.data() + position * dim; };
  const float* const from = row + field.part.begin;
  if (positions.empty()) return;
  if (field.part.is_sequence()) {
    for (size_t l = 0; l < positions.size(); ++l)
      AddTo(gradients(positions[l]), from + l * dim, 1, table.dim);
    return;
  }
  if (field.pooling == Field::MAX) {
    ForEachLargest(table.weights, positions, table.dim,
                   [&](int d, uint32_t largest) { gradients(largest)[d] += from[d]; });
    return;
  }
  const float factor = PoolFactor(field.pooling, positions.size());
  for (const uint32_t position : positions) AddTo(gradients(position), from, factor, table.dim);
}

}  // namespace zhiyin::worker::model
