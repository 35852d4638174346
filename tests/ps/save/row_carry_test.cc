#include "ps/save/row_carry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {
namespace {

constexpr int kTtl = 300;
constexpr uint32_t kResumedStep = 5000;

/// A job with these tables of dim 2; those whose names end in _ttl evict rows by age.
Job JobWith(const std::vector<std::string>& tables) {
  Job job;
  job.mutable_train()->mutable_dense_optimizer()->mutable_sgd()->set_learning_rate(1);
  for (const std::string& name : tables) {
    zhiyin::Table* table = job.add_table();
    table->set_name(name.substr(0, name.find("_ttl")));
    table->set_dim(2);
    table->mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
    table->mutable_init()->mutable_zero();
    table->mutable_eviction()->set_sweep_steps(1);
    if (name.ends_with("_ttl")) table->mutable_eviction()->set_ttl_steps(kTtl);
  }
  return job;
}

/// The bytes of a row of the table, which was pulled last at this step if it keeps that.
std::vector<std::byte> RowOf(const table::Table& table, uint32_t last_step) {
  std::vector<std::byte> row(table.layout().bytes());
  if (table.layout().tracks_use) table.layout().UseOf(row.data())->last_step = last_step;
  return row;
}

/// The last step of a row of the table `saved_as`, in the table `name` of another job.
uint32_t LastStep(const RowCarry& carry, const Job& before, TableId saved_as, const Job& now,
                  TableId name, uint32_t last_step) {
  std::vector<table::Table> saved = table::EmptyTables(before);
  std::vector<table::Table> tables = table::EmptyTables(now);
  EXPECT_EQ(carry.tables[name].saved, static_cast<int>(saved_as));
  RowConverter convert(carry.tables[name], saved[saved_as].layout(), &tables[name]);
  std::vector<std::byte> row(tables[name].layout().bytes());
  const std::vector<std::byte> saved_row = RowOf(saved[saved_as], last_step);
  const std::span<const std::byte> converted = convert(saved_row);
  std::copy(converted.begin(), converted.end(), row.begin());
  return tables[name].layout().UseOf(row.data())->last_step;
}

TEST(RowCarry, AgesBeginAtTheResumeWhereNoneWereKept) {
  const Job before = JobWith({"users"});
  const Job now = JobWith({"users_ttl"});
  const RowCarry carry = CarryOn(before, now, kResumedStep);
  EXPECT_EQ(LastStep(carry, before, 1, now, 1, 0), kResumedStep);
}

TEST(RowCarry, AgesGoOnWhereTheyWereKept) {
  const Job job = JobWith({"users_ttl"});
  EXPECT_EQ(LastStep(CarryOn(job, job, kResumedStep), job, 1, job, 1, 4900), 4900u);
}

TEST(RowCarry, AgesGoOnInATableWithAnotherNumber) {
  const Job before = JobWith({"users_ttl"});
  const Job now = JobWith({"extra", "users_ttl"});
  EXPECT_EQ(LastStep(CarryOn(before, now, kResumedStep), before, 1, now, 2, 4900), 4900u);
}

TEST(RowCarry, AgesOfAWarmStartBeginWithItsJob) {
  const Job job = JobWith({"users_ttl"});
  EXPECT_EQ(LastStep(CarryOver(job, job), job, 1, job, 1, 4900), 0u);
}

TEST(RowCarry, NoRowExpiresForTheAgeThatItHadBeforeTheResume) {
  const Job before = JobWith({"users"});
  const Job now = JobWith({"users_ttl"});
  const RowCarry carry = CarryOn(before, now, kResumedStep);
  std::vector<table::Table> saved = table::EmptyTables(before);
  std::vector<table::Table> tables = table::EmptyTables(now);
  RowConverter convert(carry.tables[1], saved[1].layout(), &tables[1]);
  for (Key key = 0; key < 100; ++key) {
    tables[1].Restore(key, convert(RowOf(saved[1], 0)));
    tables[1].FinishRestoring();
  }
  for (uint64_t step = kResumedStep; step <= kResumedStep + kTtl; ++step)
    tables[1].EndStep(step, table::Table::kNoneInUse);
  EXPECT_EQ(tables[1].n_rows(), 100);
  tables[1].EndStep(kResumedStep + kTtl + 1, table::Table::kNoneInUse);
  EXPECT_EQ(tables[1].n_rows(), 0);
}

}  // namespace
}  // namespace zhiyin::ps::save
