"""Uses a state store through the sidecar; which store that is, the sidecar's configuration says.

    PYTHONPATH=<folder of the stubs> python3 app.py [ADDRESS]
"""

import sys

import grpc

from spec.proto.runtime.v1 import runtime_pb2 as runtime
from spec.proto.runtime.v1 import runtime_pb2_grpc as runtime_grpc

STORE = "demo"
TIMEOUT = 5  # seconds, of every call


def add_one(stub, key):
    """Adds one to a counter and returns it; nobody's update is lost, however many run at once."""
    while True:
        found = stub.GetState(runtime.GetStateRequest(store_name=STORE, key=key), timeout=TIMEOUT)
        count = int(found.data or b"0") + 1
        # With an etag: only if nobody wrote in between. Without one (the key does not exist):
        # FIRST_WRITE creates it, unless somebody else just did.
        item = runtime.StateItem(
            key=key, value=str(count).encode(), etag=runtime.Etag(value=found.etag),
            options=runtime.StateOptions(
                concurrency=runtime.StateOptions.CONCURRENCY_FIRST_WRITE))
        try:
            stub.SaveState(runtime.SaveStateRequest(store_name=STORE, states=[item]),
                           timeout=TIMEOUT)
            return count
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.ABORTED:
                raise


def move(stub, source, target):
    """Moves a value to another key: both or nothing."""
    found = stub.GetState(runtime.GetStateRequest(store_name=STORE, key=source), timeout=TIMEOUT)
    stub.ExecuteStateTransaction(runtime.ExecuteStateTransactionRequest(
        storeName=STORE,
        operations=[
            runtime.TransactionalStateOperation(
                operationType="upsert", request=runtime.StateItem(key=target, value=found.data)),
            runtime.TransactionalStateOperation(
                operationType="delete",
                request=runtime.StateItem(key=source, etag=runtime.Etag(value=found.etag))),
        ]), timeout=TIMEOUT)


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:34904"
    with grpc.insecure_channel(address) as channel:
        stub = runtime_grpc.RuntimeStub(channel)
        for _ in range(3):
            print("counter:", add_one(stub, "counter"))
        move(stub, "counter", "archive")
        reply = stub.GetBulkState(
            runtime.GetBulkStateRequest(store_name=STORE, keys=["counter", "archive"]),
            timeout=TIMEOUT)
        for item in reply.items:
            print(f"{item.key}: {item.data.decode() or '-'}")


if __name__ == "__main__":
    main()
