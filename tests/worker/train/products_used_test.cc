#include "worker/train/products_used.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "tests/support/products.h"
#include "worker/model/nn/product.h"

namespace zhiyin::worker::train {
namespace {

using model::nn::Backend;
using model::nn::DescribeBackend;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// What the chief of three workers finds, where some send something else than they would, as
/// workers on other processors do.
ProductsUsed UsedByThree(Train::Compute compute, const std::map<int, std::string>& sent = {}) {
  const net::RoleMap roles = {.n_servers = 1, .n_workers = 3};
  Train train;
  train.set_compute(compute);
  ProductsUsed at_chief;
  testing::RunCluster(
      testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", 2), roles, 1,
      [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
        Group group(mailbox, roles);
        const ProductsUsed found = GatherProductsUsed(train, &group);
        if (worker == 0) {
          at_chief = found;
        } else {
          EXPECT_THAT(found.backends, IsEmpty());
          EXPECT_THAT(found.notes, IsEmpty());
        }
      },
      "",
      [&](int from, int, std::vector<net::Frame>* frames) {
        const net::Frame& frame = frames->front();
        if (frame.kind() != net::FrameKind::kGather || frame.text().empty()) return;
        const auto other = sent.find(roles.WorkerOfRank(from));
        if (other == sent.end()) return;
        frames->front() = net::Frame(net::FrameKind::kGather, frame.header().request_id,
                                     frame.header().clock, other->second);
      });
  return at_chief;
}

TEST(ProductsUsed, OfEqualWorkersAreOneWithoutAWord) {
  for (const Backend backend : testing::BackendsOfThisBuild()) {
    const testing::BackendInUse in_use(backend);
    const ProductsUsed used = UsedByThree(Train::FP32);
    EXPECT_THAT(used.backends, ElementsAre(DescribeBackend()));
    EXPECT_THAT(used.notes, IsEmpty());
  }
}

TEST(ProductsUsed, OfAMixtureAreNamed) {
  const testing::BackendInUse in_use(Backend::kEigen);
  const ProductsUsed used = UsedByThree(Train::FP32, {{2, "0oneDNN 2.6.0 (AVX2)"}});
  EXPECT_THAT(used.backends, ElementsAre(DescribeBackend(), "oneDNN 2.6.0 (AVX2)"));
  EXPECT_THAT(used.notes,
              ElementsAre(AllOf(StartsWith("note: workers multiply in different ways"),
                                HasSubstr(": " + DescribeBackend() + ", oneDNN 2.6.0 (AVX2)"))));
}

TEST(ProductsUsed, TellWhereBfloat16IsNotFaster) {
  const testing::BackendInUse in_use(Backend::kEigen);
  EXPECT_THAT(UsedByThree(Train::BF16).notes,
              ElementsAre(StartsWith("note: train.compute: BF16, but 3 of 3 workers have no "
                                     "instructions for it")));
  EXPECT_THAT(UsedByThree(Train::BF16, {{1, "0oneDNN 2.6.0 (AVX-512 with AMX)"}}).notes,
              ElementsAre(HasSubstr(" 2 of 3 workers have no instructions"),
                          HasSubstr("multiply in different ways")));
}

}  // namespace
}  // namespace zhiyin::worker::train
