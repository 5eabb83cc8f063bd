"""The online half of mlpserve: prediction requests in, predictions out."""

VERSION = "0.2.0"
