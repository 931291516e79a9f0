"""How visitors reach us beside the widget: one file a channel."""
