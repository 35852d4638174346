#include "ps/save/row_carry.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "common/error.h"

namespace zhiyin::ps::save {
namespace {

using google::protobuf::util::MessageDifferencer;

/// The part of a job that decides the meaning of the model's own weights.
Job ModelOf(Job job) {
  job.clear_name();
  job.clear_data();
  job.clear_train();
  job.clear_evaluation();
  for (zhiyin::Table& table : *job.mutable_table()) {
    const std::string name = table.name();
    const int dim = table.dim();
    table.Clear();
    table.set_name(name);
    table.set_dim(dim);
  }
  for (Task& task : *job.mutable_task()) {
    task.clear_weight();
    task.clear_label_mean();  // where outputs started
  }
  job.mutable_model()->mutable_hidden()->clear_dropout();
  return job;
}

/// `step`: the first one of a job that resumes; nothing for a job that begins.
RowCarry Pair(const Job& before, const Job& now, std::optional<int64_t> step) {
  const bool resumes = step.has_value();
  const std::vector<table::TableSpec> saved = table::TableSpecs(before);
  const auto& wanted = now.train().warm_start().table();
  RowCarry carry;
  for (const table::TableSpec& spec : table::TableSpecs(now)) {
    TableOrigin& origin = carry.tables.emplace_back();
    const std::string name =
        spec.id == kDenseTable ? "the model's own weights" : "table " + spec.name;
    if (!resumes && !wanted.empty() && spec.id != kDenseTable &&
        std::find(wanted.begin(), wanted.end(), spec.name) == wanted.end()) {
      carry.fresh.push_back(name + ": not asked for");
      continue;
    }
    const auto same = std::find_if(saved.begin(), saved.end(),
                                   [&](const table::TableSpec& s) { return s.name == spec.name; });
    if (same == saved.end()) {
      carry.fresh.push_back(name + ": was not there");
      continue;
    }
    if (spec.id == kDenseTable && !HaveSameModel(before, now)) {
      carry.fresh.push_back(
          name + ": fields, tasks or the model have changed, and with them their meaning");
      continue;
    }
    if (same->dim != spec.dim) Fail(name, ": dim ", same->dim, " was saved, expected ", spec.dim);
    origin.saved = static_cast<int>(same->id);
    origin.has_state = same->optimizer.kind_case() == spec.optimizer.kind_case();
    origin.has_use = resumes;
    origin.last_step = static_cast<uint32_t>(
        std::min<int64_t>(step.value_or(0), std::numeric_limits<uint32_t>::max()));
    // Counts are kept by virtual shard, and that of a key depends on the table's number.
    origin.has_counts = resumes && same->id == spec.id &&
                        MessageDifferencer::Equals(same->admission, spec.admission);
    std::string text = name;
    text += origin.has_state
                ? ", with the optimizer's state"
                : ": weights; the optimizer's state begins anew, as its kind is another";
    if (resumes && !origin.has_counts) text += "; what admission has counted begins anew";
    carry.kept.push_back(text);
  }
  const bool all_tables =
      std::all_of(carry.tables.begin() + 1, carry.tables.end(),
                  [](const TableOrigin& o) { return o.saved != TableOrigin::kNone; });
  if (!all_tables && carry.tables[kDenseTable].saved != TableOrigin::kNone) {
    carry.tables[kDenseTable] = {};
    carry.kept.erase(carry.kept.begin());
    carry.fresh.push_back("the model's own weights: they go with tables that are not taken");
  }
  return carry;
}

}  // namespace

bool HaveSameModel(const Job& a, const Job& b) {
  return MessageDifferencer::Equals(ModelOf(a), ModelOf(b)) &&
         a.data().behaviour().history_length() == b.data().behaviour().history_length();
}

RowCarry CarryAll(size_t n_tables) {
  RowCarry carry;
  for (size_t t = 0; t < n_tables; ++t) carry.tables.push_back({.saved = static_cast<int>(t)});
  return carry;
}

RowCarry CarryOn(const Job& before, const Job& now, int64_t step) {
  return Pair(before, now, step);
}

RowCarry CarryOver(const Job& before, const Job& now) {
  const std::vector<table::TableSpec> saved = table::TableSpecs(before);
  for (const std::string& name : now.train().warm_start().table()) {
    if (std::none_of(saved.begin(), saved.end(), [&](const table::TableSpec& spec) {
          return spec.id != kDenseTable && spec.name == name;
        }))
      Fail("the saved job has no table ", name);
  }
  return Pair(before, now, std::nullopt);
}

RowConverter::RowConverter(const TableOrigin& origin, const table::RowLayout& saved,
                           table::Table* table)
    : from_(saved), table_(table), last_step_(origin.last_step) {
  const table::RowLayout& to = table->layout();
  has_state_ = origin.has_state && saved.state_floats == to.state_floats;
  has_use_ = origin.has_use && saved.tracks_use && to.tracks_use;
  is_same_ = has_state_ && saved.number == to.number && saved.tracks_use == to.tracks_use &&
             has_use_ == to.tracks_use;
  weights_.resize(static_cast<size_t>(to.dim));
  row_.resize(to.bytes());
}

std::span<const std::byte> RowConverter::operator()(std::span<const std::byte> row) {
  if (is_same_) return row;
  const table::RowLayout& to = table_->layout();
  ToFloats(from_.number, row.data(), weights_.size(), weights_.data());
  table_->InitRow(weights_, row_.data());
  if (has_state_)
    std::memcpy(row_.data() + to.state_offset(), row.data() + from_.state_offset(),
                static_cast<size_t>(to.state_floats) * sizeof(float));
  if (has_use_) {
    std::memcpy(row_.data() + to.use_offset(), row.data() + from_.use_offset(),
                sizeof(table::RowUse));
  } else if (to.tracks_use) {
    to.UseOf(row_.data())->last_step = last_step_;
  }
  return row_;
}

}  // namespace zhiyin::ps::save
