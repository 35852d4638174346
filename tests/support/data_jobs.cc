#include "tests/support/data_jobs.h"

#include <gtest/gtest.h>

#include <bit>

#include "worker/model/label_domains.h"

namespace zhiyin::testing {
namespace {

std::vector<uint64_t> Bits(const std::vector<double>& numbers) {
  std::vector<uint64_t> bits;
  for (const double x : numbers) bits.push_back(std::bit_cast<uint64_t>(x));
  return bits;
}

}  // namespace

Job TextJob(const std::vector<std::string>& files) {
  Job job;
  job.mutable_data()->mutable_text();
  for (const std::string& file : files) job.mutable_data()->mutable_train()->add_file(file);
  return job;
}

Field* AddField(Job* job, const std::string& name, const std::string& column) {
  Field* field = job->add_field();
  field->set_name(name);
  field->set_column(column);
  return field;
}

Numeric* AddNumeric(Job* job, const std::string& name, const std::string& column) {
  Numeric* numeric = job->add_numeric();
  numeric->set_name(name);
  numeric->set_column(column);
  return numeric;
}

Task* AddTask(Job* job, const std::string& name, const std::string& column) {
  Task* task = job->add_task();
  task->set_name(name);
  task->mutable_label()->set_column(column);
  task->mutable_label()->mutable_number();
  task->mutable_squared_error();
  return task;
}

Job CensusJob(const std::string& file) {
  Job job = TextJob({file});
  job.mutable_data()->mutable_text()->set_delimiter(", ");
  for (int c = 0; c < 41; ++c) {
    const std::string column = "#" + std::to_string(c);
    if (c == 0 || c == 5 || (c >= 16 && c <= 18) || c == 30 || c == 39) {
      AddNumeric(&job, "c" + std::to_string(c), column)->set_log1p(true);
    } else if (c != 7 && c != 24) {
      AddField(&job, "c" + std::to_string(c), column);
    }
  }
  Task* income = AddTask(&job, "income", "#41");
  income->mutable_label()->set_prefix("50000+");
  income->mutable_binary_cross_entropy();
  Task* never_married = AddTask(&job, "never_married", "#7");
  never_married->mutable_label()->set_equals("Never married");
  never_married->mutable_binary_cross_entropy();
  return job;
}

std::vector<std::string> Collected::Complaints() const {
  std::vector<std::string> complaints;
  for (const worker::data::BadLine& line : bad) complaints.push_back(line.Text());
  return complaints;
}

namespace {

/// Adds a block; returns how many rows it has.
int64_t Add(worker::data::Source* source, int64_t block, Collected* to) {
  worker::data::Examples rows;
  std::vector<worker::data::BadLine> bad;
  const int64_t n = source->Read(block, &rows, &bad);
  if (n == 0) return 0;
  if (to->blocks.empty())
    to->rows = worker::data::Examples(rows.n_fields, rows.n_numerics, rows.n_tasks);
  to->blocks.push_back(block);
  for (int64_t i = 0; i < rows.n; ++i) to->rows.Append(rows, i);
  to->bad.insert(to->bad.end(), bad.begin(), bad.end());
  to->n_seen += n;
  return n;
}

}  // namespace

Collected Collect(worker::data::Source* source) {
  Collected all;
  for (int64_t block = 0; Add(source, block, &all) > 0;) ++block;
  return all;
}

Collected CollectBlocks(worker::data::Source* source, const std::vector<int64_t>& blocks) {
  Collected all;
  for (const int64_t block : blocks) Add(source, block, &all);
  return all;
}

Collected CollectTrain(const Job& job) {
  return Collect(worker::data::MakeSource(job, worker::data::SplitKind::kTrain,
                                          worker::model::LabelDomainsOf(job))
                     .get());
}

void ExpectSameRows(const worker::data::Examples& a, const worker::data::Examples& b) {
  EXPECT_EQ(a.n, b.n);
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_EQ(a.key_begin, b.key_begin);
  EXPECT_EQ(a.data_keys, b.data_keys);
  EXPECT_EQ(a.data_key_begin, b.data_key_begin);
  EXPECT_EQ(Bits(a.numerics), Bits(b.numerics));
  EXPECT_EQ(Bits(a.labels), Bits(b.labels));
}

}  // namespace zhiyin::testing
